"""The dashboard: every number comes from a mart, every definition from dbt."""
