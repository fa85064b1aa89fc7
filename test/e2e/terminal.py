"""Runs a command on a real pseudo-terminal: argv[1] is JSON {steps: [[wait for, then type, pause?], ...], command: [...]}.

Prints what the terminal showed and ends with the command's exit code.
"""

import json
import os
import pty
import select
import sys
import time

plan = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(plan["command"][0], plan["command"])

shown = ""
steps = list(plan["steps"])
deadline = time.monotonic() + 25
while time.monotonic() < deadline:
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk.decode(errors="replace")
    if steps and steps[0][0] in shown:
        _, text, *pause = steps.pop(0)
        # For what shows nothing when it begins: a query that runs.
        time.sleep(sum(pause))
        shown_before, shown = shown, ""
        sys.stdout.write(shown_before)
        os.write(terminal, text.encode())
sys.stdout.write(shown)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
