"""Runs a command on a real pseudo-terminal: argv[1] is JSON {steps: [[wait for, then type], ...], command: [...]}.

Prints what the terminal showed and ends with the command's exit code; with 124 when it takes longer than argv[2] seconds
(50 unless told), and with it ends all that it has started.
"""

import json
import os
import pty
import select
import signal
import sys
import time

plan = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(plan["command"][0], plan["command"])

shown = ""
steps = list(plan["steps"])
deadline = time.monotonic() + float(sys.argv[2] if len(sys.argv) > 2 else 50)
while True:
    if time.monotonic() > deadline:
        sys.stdout.write(f"{shown}\nnot at its end in time; still to come: {steps}\n")
        sys.stdout.flush()
        # The child leads a session of its own.
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        sys.exit(124)
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
        _, text = steps.pop(0)
        shown_before, shown = shown, ""
        sys.stdout.write(shown_before)
        os.write(terminal, text.encode())
sys.stdout.write(shown)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
