"""Speed, memory and processor time of SimplyLoad beside other tools: `python -m bench`."""
