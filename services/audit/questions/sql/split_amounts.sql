-- 化整为零:同一人在若干天内多笔发放,每笔不超过限额而合计超过限额。
-- Split amounts: several payments to one person within some days, each at most the limit, together above it.
WITH person AS (
    SELECT DISTINCT ON (entity) entity AS student_id, coalesce(id_number, entity::text) AS person
    FROM roster_students
    WHERE valid_from <= :true_on
    ORDER BY entity, valid_from DESC
), paid AS (
    SELECT payment.student_id, payment.school_code, payment.paid_on, payment.amount_fen, payment.log_index,
           coalesce(person.person, payment.student_id::text) AS person
    FROM payments_payments AS payment
    LEFT JOIN person USING (student_id)
    WHERE payment.valid_from <= :true_on AND payment.valid_to > :true_on AND payment.paid_on <= :true_on
      AND payment.amount_fen <= :limit_fen
), together AS (
    SELECT last.person, last.paid_on AS until, min(near.paid_on) AS since, count(*) AS times,
           sum(near.amount_fen)::bigint AS amount_fen, min(near.student_id::text) AS student_id,
           array_agg(DISTINCT near.school_code ORDER BY near.school_code) AS schools,
           array_agg('disbursement#' || near.log_index ORDER BY near.log_index) AS evidence
    FROM (SELECT DISTINCT person, paid_on FROM paid) AS last
    JOIN paid AS near
        ON near.person = last.person AND near.paid_on BETWEEN last.paid_on - (:days - 1) AND last.paid_on
    GROUP BY last.person, last.paid_on
    HAVING count(*) > 1 AND sum(near.amount_fen) > :limit_fen
)
SELECT together.student_id,
       payee.name_masked AS name,
       together.schools,
       together.times,
       together.amount_fen,
       together.since,
       together.until,
       together.evidence
FROM together
LEFT JOIN payments_payees AS payee
    ON payee.entity = together.student_id::uuid AND payee.valid_from <= :true_on AND payee.valid_to > :true_on
ORDER BY together.amount_fen DESC, together.student_id, together.until
