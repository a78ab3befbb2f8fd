/*
takes: {card: card}
gives: {copy_id: copy}
returns: loans
*/
SELECT loan_id, copy_id, due_on FROM loans WHERE card = :card ORDER BY loan_id;
