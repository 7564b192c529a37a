-- The key of each record's id. Keys that are there more than once are known as `twice`: an id that
-- came twice, or, seldom, two ids of one key. Which of the two it is is seen when the ids
-- themselves are compared.
select id_key(record_id) as id_key from typed
