# %%time, %time, %%capture, %timeit -o and what they leave

# %%
import numpy as np
%load_ext nbtrack

# %%
%%time
A = np.random.RandomState(0).randn(60, 60)
A = A @ A.T

# %%
%time values = np.linalg.eigvalsh(A)

# %%
%%capture printed
print("largest", values[-1])
condition = values[-1] / values[0]

# %%
text = printed.stdout
largest = float(text.split()[1])

# %%
timing = %timeit -o -q -n 2 -r 2 A.sum()

# %%
%%time
A *= 0.5

# %%
%%track spectrum
{"largest": largest, "condition": float(np.log(condition)), "trace": float(np.trace(A))}
