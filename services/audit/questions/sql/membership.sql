-- 当时在册:该日各部门名单上的每一行,以及当时认定的是哪名学生。
-- Who was on which list on the day, and whom each row was then taken to be.
SELECT entry.list,
       entry.agency,
       entry.row,
       entry.name,
       entry.id_number,
       decision.state,
       decision.student_id,
       decision.rule,
       decision.reason,
       entry.starts_on,
       entry.ends_on,
       array_remove(
           array['registry#' || entry.log_index, 'matching#' || decision.log_index], NULL
       ) AS evidence
FROM roster_entries AS entry
LEFT JOIN roster_decisions AS decision
    ON decision.entity = entry.entity AND decision.valid_from <= :true_on AND decision.valid_to > :true_on
WHERE entry.standing AND entry.valid_from <= :true_on AND entry.valid_to > :true_on
  AND coalesce(entry.starts_on, '-infinity') <= :true_on AND coalesce(entry.ends_on, 'infinity') > :true_on
  AND (CAST(:list AS text) IS NULL OR entry.list = :list)
  AND (CAST(:student_id AS uuid) IS NULL OR decision.student_id = :student_id)
ORDER BY entry.list, entry.agency, entry.row NULLS LAST, entry.entity
