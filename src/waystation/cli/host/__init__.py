"""Commands that work on the files of the host: database, backups and keys."""
