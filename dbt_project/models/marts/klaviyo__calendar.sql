-- Klaviyo was founded in 2012, so no report has an earlier date.
{{ date_series('2012-01-01', '2049-12-31') }}
