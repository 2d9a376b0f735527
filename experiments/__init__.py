"""Long measurements that chapters cite, stored with their recipe."""
