"""registry: who is enrolled where, and what the agencies' lists say.

owns      schools, students and their enrolments, promotions, mass changes, attendance, care records, households, list
          entries, list submissions, reference data, the tasks of terms
accepts   one record or a batch by HTTP; whole lists as xlsx or csv (snapshot or increment), dry runs; one list row
emits     SchoolRegistered, Student…, Household…, ListEntry…, ListSubmission…, PersonalDataRead, DayOpened,
          Promotion…, ChangeSet…, ChangeRequest…, Paper…, ClassAttendanceReported, GuardianshipChanged,
          CounsellingNoted, SchoolClosed, DivisionCode…, SchoolCalendarActivated, TermPlanActivated, TermTask…
consumes  nothing but its own events
serves    schools, students (masked; a full read names its purpose and is recorded), households (who belongs to one on a
          day), entries, submissions, rejected rows; absences, silent classes, who is overdue; how far a promotion or a
          mass change is
"""
