# Registries, metaclasses, hooks of all modules and patched modules

# %%
import math
import sys

import torch
%load_ext nbtrack

# %%
class Registry:
    _items = {}

    @classmethod
    def register(cls, name):
        def wrap(f):
            cls._items[name] = f
            return f
        return wrap

# %%
@Registry.register("double")
def _(x):
    return 2 * x

# %%
class Base:
    subclasses = []
    def __init_subclass__(cls, **kw):
        super().__init_subclass__(**kw)
        Base.subclasses.append(cls)

# %%
class A(Base):
    weight = 3

# %%
class B(Base):
    weight = 4

# %%
class Meta(type):
    count = 0
    def __call__(cls, *a):
        Meta.count += 1
        return super().__call__(*a)

class Counted(metaclass=Meta):
    pass

# %%
for _ in range(5):
    Counted()

# %%
hook_calls = []
net = torch.nn.Linear(2, 2)
torch.nn.init.ones_(net.weight)

# %%
handle = torch.nn.modules.module.register_module_forward_hook(lambda m, i, o: hook_calls.append(1))

# %%
net(torch.ones(1, 2))
net(torch.ones(1, 2))

# %%
handle.remove()

# %%
torch.set_grad_enabled(False)

# %%
sys.modules["my_settings"] = type(sys)("my_settings")
sys.modules["my_settings"].rate = 0.125

# %%
math.tau = 3.0

# %%
%%track more
import my_settings

{
    "registered": len(Registry._items),
    "subclasses": sum(c.weight for c in Base.subclasses),
    "count": Meta.count,
    "hooks": len(hook_calls),
    "grad": float(torch.is_grad_enabled()),
    "rate": my_settings.rate,
    "tau": math.tau,
}
