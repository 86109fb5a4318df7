"""Released: the statements of a released version, with which its nodes go on beside a newer one."""
