"""Runs one command after the other and says what each one used.

In, a line each: {"argv": [...], "cwd": ..., "env": {...}, "stdout": file}.
Out, a line each: {"status": ..., "wallMs": ..., "cpuMs": user + system, "peakMb": ...}.

Node cannot do this: it does not tell what a child used. The peak is at least this process's own (some 10 MB): Linux
counts what a process was before it became the command.
"""

import json
import os
import sys
import time

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024

for line in sys.stdin:
    command = json.loads(line)
    argv = command["argv"]
    os.chdir(command["cwd"])
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, command["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    began = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, command["env"], file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    result = {
        "status": os.waitstatus_to_exitcode(status),
        "wallMs": wall * 1000,
        "cpuMs": (usage.ru_utime + usage.ru_stime) * 1000,
        "peakMb": usage.ru_maxrss * PEAK_UNIT / 1_000_000,
    }
    print(json.dumps(result), flush=True)
