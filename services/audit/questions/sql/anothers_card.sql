-- 发到他人卡上、一卡多人:银行回单逐笔对应发放流水号;本人卡、已登记监护人(含兄弟姐妹共用)的卡为正常,
-- 同学的卡、名单所列教职工的卡为违规,其余待核。
-- Paid to another's card. The bank's lines are the auditor's own input, joined by the payment's reference.
WITH line AS (
    SELECT * FROM jsonb_to_recordset(CAST(:bank_lines AS jsonb))
        AS given (reference text, card text, holder_number text, holder_name text)
), student AS (
    SELECT entity AS student_id, id_number, guardian_number FROM roster_students
    WHERE valid_from <= :true_on AND valid_to > :true_on
), used AS (
    SELECT line.card, line.holder_number, line.holder_name, payment.*, student.id_number, student.guardian_number,
           count(*) OVER (PARTITION BY line.card) AS payments_on_card
    FROM line
    JOIN payments_payments AS payment
        ON payment.reference = line.reference AND payment.valid_from <= :true_on AND payment.valid_to > :true_on
    LEFT JOIN student USING (student_id)
), judged AS (
    SELECT used.*,
           (SELECT count(DISTINCT other.student_id) FROM used AS other WHERE other.card = used.card) AS pupils_on_card,
           CASE
               WHEN used.holder_number = used.id_number THEN 'own'
               WHEN used.holder_number = ANY(CAST(:staff_numbers AS text[])) THEN 'staff'
               WHEN used.holder_number = used.guardian_number THEN 'guardian'
               WHEN EXISTS (SELECT FROM student WHERE student.id_number = used.holder_number) THEN 'classmate'
               ELSE 'unproven'
           END AS holder
    FROM used
)
SELECT judged.student_id,
       payee.name_masked AS name,
       judged.school_code,
       judged.holder,
       judged.holder_name,
       '****' || right(judged.card, 4) AS card,
       judged.pupils_on_card,
       judged.term,
       judged.amount_fen,
       judged.paid_on,
       judged.reference,
       array['disbursement#' || judged.log_index] AS evidence
FROM judged
LEFT JOIN payments_payees AS payee
    ON payee.entity = judged.student_id AND payee.valid_from <= :true_on AND payee.valid_to > :true_on
WHERE judged.holder NOT IN ('own', 'guardian')
   OR (judged.pupils_on_card > 1 AND judged.holder <> 'guardian')
ORDER BY judged.card, judged.student_id, judged.reference
