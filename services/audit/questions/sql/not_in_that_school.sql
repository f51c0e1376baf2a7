-- 发放给不在该校就读的学生:自资格生效至发放之日,学籍中没有一天在该校。
-- Paid at a school where the student was on no day between the grant and the payment.
WITH paid AS (
    SELECT payment.*, coalesce(least(granted.since, payment.paid_on), payment.paid_on) AS since
    FROM payments_payments AS payment
    LEFT JOIN (
        SELECT entity, min(valid_from) AS since FROM payments_entitlements WHERE granted GROUP BY entity
    ) AS granted USING (entity)
    WHERE payment.valid_from <= :true_on AND payment.valid_to > :true_on AND payment.paid_on <= :true_on
), stay AS (
    SELECT paid.entity, student.school_code, student.enrolled, student.log_index
    FROM paid
    JOIN roster_students AS student
        ON student.entity = paid.student_id AND student.valid_from <= paid.paid_on AND student.valid_to > paid.since
)
SELECT paid.student_id,
       payee.name_masked AS name,
       paid.school_code,
       paid.term,
       paid.programme,
       paid.amount_fen,
       paid.paid_on,
       array(
           SELECT DISTINCT stay.school_code FROM stay
           WHERE stay.entity = paid.entity AND stay.enrolled AND stay.school_code IS NOT NULL ORDER BY 1
       ) AS was_in,
       array['disbursement#' || paid.log_index] || array(
           SELECT DISTINCT 'registry#' || stay.log_index FROM stay WHERE stay.entity = paid.entity ORDER BY 1
       ) AS evidence
FROM paid
LEFT JOIN payments_payees AS payee
    ON payee.entity = paid.student_id AND payee.valid_from <= :true_on AND payee.valid_to > :true_on
WHERE NOT EXISTS (
    SELECT FROM stay WHERE stay.entity = paid.entity AND stay.enrolled AND stay.school_code = paid.school_code
)
ORDER BY paid.school_code, paid.student_id, paid.term, paid.programme
