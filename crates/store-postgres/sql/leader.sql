select holder, address, term, since
from leader
where name = 'scheduler' and holder <> '' and expires_at > now()
