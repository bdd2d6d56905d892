# Store sales: lags, rolling means, a calendar

# %%
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
%load_ext nbtrack

# %%
rng = np.random.default_rng(4)
days = pd.date_range("2024-01-01", periods=400, freq="D")
sales = pd.DataFrame({"date": days, "sales": 20 + 5 * (days.dayofweek > 4) + rng.normal(0, 1, 400)})

# %%
sales.set_index("date", inplace=True)

# %%
sales.iloc[50:60, 0] = np.nan
sales["sales"] = sales["sales"].interpolate()

# %%
for lag in (1, 7, 14):
    sales[f"lag_{lag}"] = sales["sales"].shift(lag)
sales["rolling_7"] = sales["sales"].shift(1).rolling(7).mean()

# %%
sales["dayofweek"] = sales.index.dayofweek
sales["month"] = sales.index.month
sales.tail(3)

# %%
sales.dropna(inplace=True)

# %%
weekly = sales["sales"].resample("W").sum()
weekly.plot()

# %%
features = [c for c in sales.columns if c != "sales"]
train, valid = sales.loc[:"2024-12-31"], sales.loc["2025-01-01":]
gbr = HistGradientBoostingRegressor(max_iter=20, random_state=0)
gbr.fit(train[features], train["sales"]);

# %%
%%track sales
errors = (gbr.predict(valid[features]) - valid["sales"]).abs()
{"mae": float(errors.mean()), "worst": float(errors.max())}
