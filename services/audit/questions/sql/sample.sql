-- 抽样:以记录在案的种子对每笔标识做 SHA-256 排序,取前若干;同一种子在任何机器上抽到同样的样本。
-- A sample by SHA-256 of seed and id: the same seed draws the same sample anywhere.
WITH population AS (
    SELECT entity, student_id, school_code, programme, term, amount_fen, log_index
    FROM payments_payments
    WHERE :population = 'payments'
      AND valid_from <= :true_on AND valid_to > :true_on AND paid_on <= :true_on
    UNION ALL
    SELECT entity, student_id, school_code, programme, term, amount_fen, log_index
    FROM payments_entitlements
    WHERE :population = 'entitlements' AND granted AND valid_from <= :true_on AND valid_to > :true_on
), drawn AS (
    SELECT population.*, count(*) OVER () AS out_of,
           row_number() OVER (
               ORDER BY sha256(convert_to(:seed || '/' || entity, 'UTF8')), entity
           ) AS place
    FROM population
)
SELECT drawn.place,
       drawn.out_of,
       drawn.entity AS id,
       drawn.student_id,
       payee.name_masked AS name,
       drawn.school_code,
       drawn.programme,
       drawn.term,
       drawn.amount_fen,
       array['disbursement#' || drawn.log_index] AS evidence
FROM drawn
LEFT JOIN payments_payees AS payee
    ON payee.entity = drawn.student_id AND payee.valid_from <= :true_on AND payee.valid_to > :true_on
WHERE drawn.place <= :size
ORDER BY drawn.place
