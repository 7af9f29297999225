"""Brings what is declared to Vapi: compare it with what is there, then write what differs.

```python
declaration = Declaration([luigi], url="https://luigi.example.com", server={"secret": secret})
async with VapiClient() as client:
    plan = sync.plan(declaration, await sync.read(client))
    await sync.apply(plan, client)
```
"""

from ._applying import Applied, apply
from ._comparison import Change
from ._declaration import Declaration
from ._plan import Plan, Step
from ._planning import plan
from ._remote import Remote, read

__all__ = ["Applied", "Change", "Declaration", "Plan", "Remote", "Step", "apply", "plan", "read"]
