"""A student from enrolment to leaving: particulars, classes, suspension, care, attendance."""
