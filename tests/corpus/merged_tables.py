# Orders and customers: merge, sort, assign

# %%
import numpy as np
import pandas as pd
%load_ext nbtrack

# %%
customers = pd.DataFrame({"customer": list("abcd"), "region": ["n", "s", "n", "w"]})
orders = pd.DataFrame({"customer": list("aabbccdd") * 3, "amount": np.arange(24) * 1.5})

# %%
orders.sort_values("amount", ascending=False, inplace=True)
orders.reset_index(drop=True, inplace=True)

# %%
view = orders["amount"]
top = orders.head(5)

# %%
orders.at[0, "amount"] = 500.0
orders.iat[1, 1] = -20

# %%
customers.set_index("customer", inplace=True)
customers.loc["e"] = ["n"]

# %%
merged = orders.merge(customers, left_on="customer", right_index=True, how="left")
merged = merged.assign(net=lambda d: d["amount"] * 0.81).query("amount > 0")

# %%
by_region = merged.groupby("region")["net"].agg(["sum", "count"])
by_region["share"] = by_region["sum"] / by_region["sum"].sum()

# %%
by_region.drop(index="w", inplace=True)

# %%
%%track regions
{"share": float(by_region["share"].sum()), "north": float(by_region.loc["n", "sum"]), "view": float(view.sum()), "top": float(top["amount"].max())}
