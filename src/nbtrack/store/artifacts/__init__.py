"""Artifacts: plain files below the folder of their run or model, on this machine or elsewhere."""
