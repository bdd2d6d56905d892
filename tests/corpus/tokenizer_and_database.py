# A trained tokenizer, and a database file

# %%
import sqlite3

import pandas as pd
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
%load_ext nbtrack

# %%
sentences = ["the quick brown fox", "the lazy dog", "quick quick dogs", "brown dogs are lazy"] * 5

# %%
tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()

# %%
trainer = trainers.BpeTrainer(vocab_size=45, special_tokens=["[UNK]"], show_progress=False)
tokenizer.train_from_iterator(sentences, trainer)

# %%
tokenizer.add_tokens(["foxes"])

# %%
con = sqlite3.connect("texts.db")
con.execute("create table texts (id integer, tokens integer)")

# %%
for i, sentence in enumerate(sentences):
    con.execute("insert into texts values (?, ?)", (i, len(tokenizer.encode(sentence).ids)))
con.commit()

# %%
con.execute("update texts set tokens = tokens * 2 where id < 3")
con.commit()

# %%
frame = pd.read_sql("select * from texts", "sqlite:///texts.db")

# %%
%%track tokens
rows = con.execute("select sum(tokens) from texts").fetchone()[0]
{"tokens": rows, "frame": float(frame["tokens"].mean()), "foxes": len(tokenizer.encode("foxes jump").ids)}
