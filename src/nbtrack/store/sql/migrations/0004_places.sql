-- A pid means something in one place only (machine, boot, PID namespace); and a journal that holds
-- what makes no sense is kept when it is done: damage says what and how much of it, as JSON.

ALTER TABLE runs ADD COLUMN place VARCHAR;
ALTER TABLE logged_models ADD COLUMN place VARCHAR;
ALTER TABLE journals ADD COLUMN damage VARCHAR;
