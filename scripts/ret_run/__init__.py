"""All of RET on one machine under one process manager: `python -m ret_run`."""
