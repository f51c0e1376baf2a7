-- 同一人被多次发放:按身份证号合并重复建档的学生,再按学期、自然年或全部时间计数。
-- One person paid many times: registrations with one identity number count as one person.
WITH person AS (
    SELECT DISTINCT ON (entity) entity AS student_id, coalesce(id_number, entity::text) AS person
    FROM roster_students
    WHERE valid_from <= :true_on
    ORDER BY entity, valid_from DESC
), paid AS (
    SELECT payment.*, payee.name_masked, coalesce(person.person, payment.student_id::text) AS person,
           CASE :within
               WHEN 'term' THEN payment.term
               WHEN 'calendar_year' THEN extract(year FROM payment.paid_on)::text
               ELSE ''
           END AS span
    FROM payments_payments AS payment
    LEFT JOIN person USING (student_id)
    LEFT JOIN payments_payees AS payee
        ON payee.entity = payment.student_id AND payee.valid_from <= :true_on AND payee.valid_to > :true_on
    WHERE payment.valid_from <= :true_on AND payment.valid_to > :true_on AND payment.paid_on <= :true_on
)
SELECT min(student_id::text) AS student_id,
       min(name_masked) AS name,
       span,
       count(*) AS times,
       sum(amount_fen)::bigint AS amount_fen,
       count(DISTINCT student_id) AS registrations,
       array_agg(DISTINCT school_code ORDER BY school_code) AS schools,
       array_agg(DISTINCT programme ORDER BY programme) AS programmes,
       min(paid_on) AS first_paid_on,
       max(paid_on) AS last_paid_on,
       array_agg('disbursement#' || log_index ORDER BY log_index) AS evidence
FROM paid
GROUP BY person, span
HAVING count(*) >= :times
ORDER BY count(*) DESC, min(student_id::text), span
