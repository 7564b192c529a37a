-- What is left to later windows: it is to settle in one of them, or a party of it has failed.
select r.*
from sifted as r
cross join closing as c
where r.settles_in > c.window_id or r.left_out is not null
