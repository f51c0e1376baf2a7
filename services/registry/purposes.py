"""Why somebody needs to see full fields: the rule that all services share, and the lengths of the registry's forms."""

from __future__ import annotations

from shared.web.purposes import check_note as check_note
from shared.web.purposes import check_purpose as check_purpose

PURPOSE_LEAST, PURPOSE_MOST = 4, 200  # characters
