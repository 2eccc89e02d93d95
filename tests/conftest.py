"""What holds for all tests."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs something in the background has it ignore SIGINT, and all that it starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
