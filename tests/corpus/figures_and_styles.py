# A curve that is fitted and drawn, with the settings of figures in earlier cells

# %%
%matplotlib inline
%config InlineBackend.figure_format = "retina"
%load_ext nbtrack

# %%
import matplotlib.pyplot as plt
import numpy as np
plt.rc("font", size=14)

# %%
%config InlineBackend.print_figure_kwargs = {"bbox_inches": None}

# %%
x = np.linspace(0, 6, 200)
y = np.sin(x) + 0.1 * np.random.RandomState(1).randn(200)

# %%
print("the figures above are only looked at")

# %%
%%track polynomial
coefficients = np.polyfit(x, y, 5)
error = np.mean((np.polyval(coefficients, x) - y) ** 2)
plt.plot(x, y, ".")
plt.plot(x, np.polyval(coefficients, x))
plt.show()
