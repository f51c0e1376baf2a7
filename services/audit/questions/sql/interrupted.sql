-- 资助中断:此前发放过、此后又发放或仍有资格的学期之间,有一个或多个学期没有发放。
-- Aid interrupted: a term without payment between a term that was paid and a later one that was paid or granted.
WITH term AS (
    SELECT term, row_number() OVER (ORDER BY substr(term, 1, 4), right(term, 7) = '-autumn', term) AS place
    FROM (SELECT DISTINCT term FROM payments_entitlements) AS every_term
), entitled AS (
    SELECT entitlement.student_id, entitlement.programme, term.term, term.place, entitlement.granted,
           entitlement.withdrawn_reason, entitlement.log_index, entitlement.school_code,
           payment.log_index AS paid_index
    FROM payments_entitlements AS entitlement
    JOIN term USING (term)
    LEFT JOIN payments_payments AS payment
        ON payment.entity = entitlement.entity AND payment.valid_from <= :true_on AND payment.valid_to > :true_on
    WHERE entitlement.valid_from <= :true_on AND entitlement.valid_to > :true_on
), span AS (
    SELECT student_id, programme, min(place) FILTER (WHERE paid_index IS NOT NULL) AS first,
           max(place) FILTER (WHERE paid_index IS NOT NULL OR granted) AS last
    FROM entitled GROUP BY student_id, programme
)
SELECT span.student_id,
       payee.name_masked AS name,
       payee.school_code,
       span.programme,
       missing.term,
       CASE WHEN here.student_id IS NULL THEN 'not_granted'
            WHEN here.granted THEN 'granted_not_paid'
            ELSE 'withdrawn' END AS finding,
       here.withdrawn_reason AS reason,
       array(
           SELECT 'disbursement#' || coalesce(near.paid_index, near.log_index) FROM entitled AS near
           WHERE near.student_id = span.student_id AND near.programme = span.programme
             AND near.place IN (
                 (SELECT max(place) FROM entitled AS before WHERE before.student_id = span.student_id
                  AND before.programme = span.programme AND before.place < missing.place
                  AND before.paid_index IS NOT NULL),
                 missing.place,
                 (SELECT min(place) FROM entitled AS later WHERE later.student_id = span.student_id
                  AND later.programme = span.programme AND later.place > missing.place
                  AND (later.paid_index IS NOT NULL OR later.granted))
             )
           ORDER BY near.place
       ) AS evidence
FROM span
JOIN term AS missing ON missing.place > span.first AND missing.place < span.last
LEFT JOIN entitled AS here
    ON here.student_id = span.student_id AND here.programme = span.programme AND here.place = missing.place
LEFT JOIN payments_payees AS payee
    ON payee.entity = span.student_id AND payee.valid_from <= :true_on AND payee.valid_to > :true_on
WHERE here.paid_index IS NULL
ORDER BY span.student_id, span.programme, missing.place
