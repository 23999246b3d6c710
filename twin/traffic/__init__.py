"""When each device produces which burst."""
