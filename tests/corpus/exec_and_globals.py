# Names that are made by code

# %%
import numpy as np
%load_ext nbtrack

# %%
for degree in (1, 2, 3):
    globals()[f"coef_{degree}"] = np.polyfit(np.arange(10), np.arange(10) ** 1.5, degree)

# %%
exec("offset = 2.5\nscale = 3.0")

# %%
code = "def transform(v):\n    return v * scale + offset\n"
exec(code)

# %%
unrelated = [i**2 for i in range(10)]

# %%
get_ipython().user_ns["bonus"] = 10
get_ipython().push({"extra": 0.5})

# %%
models = {name: value for name, value in list(globals().items()) if name.startswith("coef_")}

# %%
%%track generated_names
errors = {name: float(np.abs(np.polyval(c, 4) - 8)) for name, c in models.items()}
{"error": min(errors.values()), "value": transform(bonus) + extra, "eval": eval("scale + offset")}
