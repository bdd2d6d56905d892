# Magics that keep something for themselves

# %%
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, register_line_magic
%load_ext nbtrack

# %%
@magics_class
class Tables(Magics):
    rows = []

    @cell_magic
    def rows_of(self, line, cell):
        self.rows.extend(int(word) for word in cell.split())

    @line_magic
    def total(self, line):
        return sum(self.rows)

get_ipython().register_magics(Tables)
settings = {}

@register_line_magic
def choose(line):
    key, value = line.split()
    settings[key] = float(value)

del choose, Tables

# %%
%%rows_of
1 2 3
4

# %%
%choose rate 0.5

# %%
%%track magics
total = %total
{"total": total, "rate": settings["rate"]}
