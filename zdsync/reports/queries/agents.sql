-- One row is: an agent who is not gone, and whether he or she is active.
-- Parameters: none.
-- Used by: reports/ground.py, for agents who hold tickets and should not, or could and do not.
select id, name, is_active
from main.agents
order by name, id
