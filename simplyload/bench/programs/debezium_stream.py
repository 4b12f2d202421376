"""Streams changes with Debezium's embedded engine into a file of JSON lines, then ends.

`debezium_stream.py PROPERTIES OUTPUT`: the properties are a JSON file; Debezium ends at the change
of the table `judge_end`.
"""

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from pydbzengine import BasePythonChangeHandler, ChangeEvent, DebeziumJsonEngine

END = ".judge_end"


class Writer(BasePythonChangeHandler):
    """Writes each event as it is, and notes the one that ends the run."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.ended = threading.Event()

    def handleJsonBatch(self, records: Sequence[ChangeEvent]) -> None:  # noqa: N802
        """Write a batch; the name is Debezium's."""
        for record in records:
            topic = str(record.destination())
            if topic.endswith(END):
                self.ended.set()
            elif record.value() is not None:
                self.file.write(f"{topic}\t{record.key()}\t{record.value()}\n")


properties = json.loads(Path(sys.argv[1]).read_text())
with Path(sys.argv[2]).open("w") as file:
    handler = Writer(file)
    engine = DebeziumJsonEngine(properties=properties, handler=handler)
    thread = threading.Thread(target=engine.run, daemon=True)
    thread.start()
    ended = handler.ended.wait(timeout=600)
    engine.close()
    thread.join(timeout=60)
sys.exit(0 if ended else "Debezium did not reach the end")
