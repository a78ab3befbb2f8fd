"""RouteNator: one file here is one DVC stage; the folders are the rooms that stages use."""
