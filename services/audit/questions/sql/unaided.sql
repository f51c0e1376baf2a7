-- 应助未助:该日在籍、在名单内且符合项目范围的学生,该学期没有资格,或有资格而逾期未发放。
-- Eligible on the day and not aided in the term: nothing granted, or granted and not paid in time.
WITH linked AS (
    SELECT link.student_id, link.category, 'matching#' || link.log_index AS evidence
    FROM entitling_links AS link
    WHERE link.holds_from <= :true_on AND link.holds_to > :true_on AND NOT EXISTS (
        SELECT FROM entitling_link_ends AS ended
        WHERE ended.entry_id = link.entry_id AND ended.student_id = link.student_id
          AND ended.log_index > link.log_index AND (ended.never_true OR ended.ended_on <= :true_on)
    )
    UNION ALL
    SELECT student_id, category, 'matching#' || log_index
    FROM entitling_covers
    WHERE stands AND holds_from <= :true_on AND holds_to > :true_on
), programme AS (
    SELECT programme, content::jsonb AS rules, 'disbursement#' || log_index AS evidence
    FROM entitling_programmes
    WHERE valid_from <= :true_on AND valid_to > :true_on
), eligible AS (
    SELECT linked.student_id, programme.programme, student.school_code, student.stage,
           min(linked.category) AS category,
           array_agg(DISTINCT linked.evidence ORDER BY linked.evidence)
               || array['registry#' || student.log_index, programme.evidence] AS evidence
    FROM linked
    JOIN entitling_students AS student
        ON student.entity = linked.student_id AND student.enrolled
       AND student.valid_from <= :true_on AND student.valid_to > :true_on
    JOIN programme ON programme.rules->'categories' ? linked.category AND programme.rules->'stages' ? student.stage
    GROUP BY linked.student_id, programme.programme, student.school_code, student.stage, student.log_index,
             programme.evidence
), granted AS (
    SELECT entitlement.student_id, entitlement.programme, entitlement.pay_by, entitlement.log_index,
           entitlement.amount_fen, payment.paid_on
    FROM payments_entitlements AS entitlement
    LEFT JOIN payments_payments AS payment
        ON payment.entity = entitlement.entity AND payment.valid_from <= :true_on AND payment.valid_to > :true_on
    WHERE entitlement.term = :term AND entitlement.granted
      AND entitlement.valid_from <= :true_on AND entitlement.valid_to > :true_on
)
SELECT eligible.student_id,
       payee.name_masked AS name,
       eligible.school_code,
       eligible.stage,
       eligible.category,
       eligible.programme,
       CASE WHEN granted.student_id IS NULL THEN 'not_granted' ELSE 'not_paid_in_time' END AS finding,
       granted.amount_fen,
       granted.pay_by,
       eligible.evidence || CASE WHEN granted.student_id IS NULL THEN '{}'::text[]
                                 ELSE array['disbursement#' || granted.log_index] END AS evidence
FROM eligible
LEFT JOIN granted USING (student_id, programme)
LEFT JOIN payments_payees AS payee
    ON payee.entity = eligible.student_id AND payee.valid_from <= :true_on AND payee.valid_to > :true_on
WHERE granted.student_id IS NULL OR (granted.paid_on IS NULL AND granted.pay_by < :true_on)
ORDER BY eligible.school_code, eligible.student_id, eligible.programme
