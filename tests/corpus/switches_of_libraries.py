# Switches that libraries keep for themselves, and a database in memory

# %%
import duckdb
import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import sympy
from tqdm.auto import tqdm
%load_ext nbtrack

# %%
tqdm.pandas()

# %%
pl.Config.set_tbl_rows(3)

# %%
duckdb.sql("create table readings as select range as i, range * 2.5 as v from range(8)")

# %%
duckdb.sql("insert into readings values (100, 1.0)")

# %%
import scipy.special

scipy.special.seterr(all="raise")

# %%
import optuna

def be_quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)

# %%
be_quiet()

# %%
frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]})

# %%
%%track switches
try:
    scipy.special.loggamma(0)
    raised = 0
except scipy.special.SpecialFunctionError:
    raised = 1
{
    "applied": float(frame["x"].progress_apply(lambda x: x * 2).sum()),
    "rows": len(str(pl.DataFrame({"a": range(20)})).splitlines()),
    "total": duckdb.sql("select sum(v) from readings").fetchall()[0][0],
    "raised": raised,
    "level": optuna.logging.get_verbosity(),
}
