"""What people look at: every number comes from a mart, every definition from dbt."""
