-- Every booking found, whatever pass found it: one row for each payment.
select line_id, payment_id, 'exact_reference' as pass from exact_reference
union all
select line_id, payment_id, 'batch_reference' as pass from batch_reference
union all
select line_id, payment_id, pass from unique_explanation where is_known = 1
