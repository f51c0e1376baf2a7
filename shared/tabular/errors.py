"""Why a file cannot be read.

TabularError                  a Malformed refusal: 422, zh and en text, facts without personal data
├── FileMissing               no such file, or it is a folder
├── FileTooLarge              packed size above the limit
├── NotAWorkbook              neither a workbook nor text: forged, damaged or another format
├── WorkbookEncrypted         protected by a password
├── WorkbookUnsafe            unpacked size, ratio or entries above the limits, or a directory that lies
├── WorkbookTooCostly         parsing ran out of its memory or its time
├── TextUnreadable            csv in no known encoding, or with broken quotes
└── HeaderMissing             no sheet has a row with the needed column names
"""

from __future__ import annotations

from shared.kernel.refusals import Malformed


class TabularError(Malformed):
    code = "tabular"


class FileMissing(TabularError):
    code = "file_missing"


class FileTooLarge(TabularError):
    code = "file_too_large"


class NotAWorkbook(TabularError):
    code = "not_a_workbook"


class WorkbookEncrypted(TabularError):
    code = "workbook_encrypted"


class WorkbookUnsafe(TabularError):
    code = "workbook_unsafe"


class WorkbookTooCostly(TabularError):
    code = "workbook_too_costly"


class TextUnreadable(TabularError):
    code = "text_unreadable"


class HeaderMissing(TabularError):
    code = "header_missing"
