-- Klaviyo was founded in 2012; nothing it reports is older.
{{ date_series('2012-01-01', '2049-12-31') }}
