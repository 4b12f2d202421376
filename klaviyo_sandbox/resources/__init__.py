"""The resources of Klaviyo's API: what each one holds, and the endpoints that show it."""
