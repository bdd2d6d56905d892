"""The fluent functions: one-liners over the layers below.

Names, parameters and meaning are MLflow's, so ``import nbtrack as mlflow`` runs
the code that people have.
"""
