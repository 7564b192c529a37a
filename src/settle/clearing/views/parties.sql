-- Who gains what in each currency. Each party is computed from its own facts, never as what is
-- left over.
select * from parties_traded
union all
select * from parties_standing
