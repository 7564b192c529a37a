-- What each bucket amounts to in its own currency, and what it was turned over for the reserve.
select
    t.*,
    t.sales_minor + t.refunds_minor + t.chargebacks_minor + t.reversals_minor
        + t.adjustments_minor + t.fees_percent_minor + t.fees_back_minor
        + t.fees_explicit_minor + t.tax_minor as net_minor,
    t.sales_minor + t.refunds_minor as turnover_minor
from taxed as t
