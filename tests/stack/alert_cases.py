def promtool_files():
    return {}
