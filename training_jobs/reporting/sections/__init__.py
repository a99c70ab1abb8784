"""The sections of the report, one module each: `SECTION` says where it leads and how it is made."""
