"""Settlement files for merchants: details and summary of a closed window, CSV and Parquet."""

from settle.clearing.files.names import folder_name
from settle.clearing.files.reading import Fault, Sheet, read_details, read_summary
from settle.clearing.files.replay import ClosedWindow
from settle.clearing.files.verifying import Failure, verify_files
from settle.clearing.files.writing import FilesWritten, write_files

__all__ = [
    "ClosedWindow",
    "Failure",
    "Fault",
    "FilesWritten",
    "Sheet",
    "folder_name",
    "read_details",
    "read_summary",
    "verify_files",
    "write_files",
]
