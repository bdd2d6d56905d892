# Shell lines make folders and files

# %%
import csv
from pathlib import Path
%load_ext nbtrack

# %%
!mkdir -p raw
!echo "x,y" > raw/part1.csv
!echo "1,2.5" >> raw/part1.csv
!echo "2,4.5" >> raw/part1.csv

# %%
scale = 3
!echo "x,y" > raw/part2.csv
!echo "3,{scale}" >> raw/part2.csv

# %%
%cd raw

# %%
files = !ls *.csv
files

# %%
rows = []
for name in files:
    with open(name) as file:
        rows += list(csv.DictReader(file))

# %%
%cd ..

# %%
lines = !cat raw/*.csv | wc -l
count = int(lines[0])

# %%
%%bash
echo "0.25" > factor.txt

# %%
factor = float(Path("factor.txt").read_text())

# %%
%%track shell
{"sum": factor * sum(float(row["y"]) for row in rows), "rows": len(rows), "lines": count}
