"""An assistant that exists at Vapi, as Python code.

```python
assistant = await client.assistants.get(id)
tools = [await client.tools.get(each) for each in pulling.tool_ids(assistant)]
print(pulling.source(assistant, tools))
```
"""

from ._assistants import source, tool_ids

__all__ = ["source", "tool_ids"]
